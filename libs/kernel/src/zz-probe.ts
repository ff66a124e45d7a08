export const probe = (): string => "probed";
