'use strict';

// Checks that every relative link, every anchor and every file that README, CONTRIBUTING and docs/ cite exists.
const { execFileSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

const root = join(__dirname, '..');
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
const documents = tracked.filter((path) => /^(docs\/.*|[^/]+)\.md$/.test(path));

/** A link [text](target); images have the same form. */
const LINK = /\]\(([^()\s]+)\)/g;
/** `folder/file.ts`, `file.spec.ts` and the like, and folders of ours. */
const FILE = /`([\w.-]+(?:\/[\w.-]+)*\.(?:ts|cjs|sql|json|yaml|yml|md|py))`/g;
const FOLDER = /`((?:apps|libs|test|migrations|scripts|bench)\/[\w./-]+)`/g;
/** Made by a run, or named in examples. */
const NOT_KEPT = /^(bench\/results\/.*|latest\.json|hooks\.json|local\.json)$/;

const withoutCode = (text) => text.replace(/^```[\s\S]*?^```/gm, '');
const all = (pattern, text) => [...text.matchAll(pattern)].map((match) => match[1]);

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path) {
  return all(/^#+ (.*)$/gm, withoutCode(readFileSync(path, 'utf8'))).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isLinked(document, link) {
  const [path, anchor] = link.split('#');
  const target = path === '' ? join(root, document) : join(root, dirname(document), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(target).includes(anchor);
}

function isThere(path) {
  return existsSync(join(root, path)) || tracked.some((file) => file.endsWith(`/${path}`));
}

const missing = documents.flatMap((document) => {
  const text = withoutCode(readFileSync(join(root, document), 'utf8'));
  const links = all(LINK, text).filter((link) => !/^[a-z]+:/.test(link) && !isLinked(document, link));
  const paths = [...all(FILE, text), ...all(FOLDER, text)].filter((path) => !NOT_KEPT.test(path) && !isThere(path));
  return [...new Set([...links, ...paths])].map((path) => `${document}: ${path}`);
});

if (missing.length > 0) {
  console.error(`These are cited and do not exist:\n${missing.map((line) => `  ${line}`).join('\n')}`);
  process.exit(1);
}
