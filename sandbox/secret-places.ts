// Where keys and credentials usually are: not shown although what holds them is, unless they are named themselves. Data and one pure function.
// Does not stop: reading secrets kept anywhere else.

import { join } from "node:path";

const IN_HOME = [
  ...[".ssh", ".gnupg", ".pki", ".password-store", ".aws", ".azure", ".oci", ".kube", ".docker", ".terraform.d"],
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
  ...[".netrc", ".git-credentials", ".npmrc", ".yarnrc.yml", ".pypirc", ".pgpass", ".my.cnf", ".vault-token"],
  ...[
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
  ],
  ...[".claude", ".claude.json", ".codex", ".gemini", ".cursor", ".config/github-copilot", ".config/opencode"],
  ...[".bash_history", ".zsh_history", ".python_history", ".node_repl_history", ".psql_history", ".mysql_history"],
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

/**
 * Absolute paths; which of them exist is for the caller to see. `home` is the person's own.
 */
export function secretPlaces(home: string | undefined): string[] {
  return [...OF_SYSTEM, ...(home === undefined ? [] : IN_HOME.map((name) => join(home, name)))];
}
