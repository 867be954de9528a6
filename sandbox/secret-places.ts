// Where keys and credentials usually are: not shown although what holds them is, unless they are named themselves. Data and one pure function.
// Does not stop: reading secrets kept anywhere else.

import { join } from "node:path";

/** Hidden in every folder that is allowed: a home need not be one we know as such. */
const IN_FOLDER = [
  ...[".ssh", ".gnupg", ".password-store", ".aws", ".azure", ".kube", ".docker", ".config/gcloud", ".config/gh"],
  // Where BROKE_HOME usually is: another than the one at hand holds keys as well.
  ".broke",
  ...[".netrc", ".git-credentials", ".pgpass", ".vault-token", ".bash_history", ".zsh_history", ".mozilla"],
];

const IN_HOME = [
  ...IN_FOLDER,
  ...[".pki", ".oci", ".terraform.d"],
  ...[
    ".config/gcloud",
    ".config/gh",
    ".config/glab-cli",
    ".config/hub",
    ".config/op",
    ".config/rclone",
    ".config/sops",
  ],
  ...[".config/containers", ".config/git/credentials", ".config/fish", ".local/share/keyrings", ".local/share/fish"],
  ...[".npmrc", ".yarnrc.yml", ".pypirc", ".my.cnf"],
  ...[
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
  ],
  ...[".claude", ".claude.json", ".codex", ".gemini", ".cursor", ".config/github-copilot", ".config/opencode"],
  ...[".python_history", ".node_repl_history", ".psql_history", ".mysql_history"],
  ...[
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/Signal",
  ],
  ...[".env", ".envrc"],
];

const OF_SYSTEM = [
  ...["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d"],
  ...["/etc/ssl/private", "/etc/ssh", "/etc/krb5.keytab", "/etc/NetworkManager/system-connections", "/etc/wireguard"],
  ...["/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet", "/var/lib/sss/secrets", "/var/spool/cron"],
  ...["/lost+found", "/boot"],
];

/** Absolute paths; which of them exist is for the caller to see. `home` is the person's own, `folders` are what is allowed by name. */
export function secretPlaces(home: string | undefined, folders: string[]): string[] {
  const inHome = home === undefined ? [] : IN_HOME.map((name) => join(home, name));
  return [...OF_SYSTEM, ...inHome, ...folders.flatMap((folder) => IN_FOLDER.map((name) => join(folder, name)))];
}
