// The command line of bubblewrap for one script. Pure: what exists on the machine is an argument.
//
// A script sees the system's programs and libraries read-only, its own workspace, home and temporary folder writable, its own
// /proc, and nothing else: no file of the runner, no environment or process of another job. The PID namespace ends everything
// that a script leaves behind, also processes that left their group or cleared their environment.

/** What of the machine is shown in a sandbox. Plain data, so that it can be sent to another thread. */
export type SandboxHost = {
  /** Address of the bubblewrap program. */
  readonly program: string;
  /** Folders and files that exist, shown read-only at their own address. */
  readonly readOnly: readonly string[];
  /** Links at the root, such as /bin → usr/bin. */
  readonly links: readonly { readonly at: string; readonly to: string }[];
};

export type SandboxJob = {
  /** Where the script starts. */
  readonly cwd: string;
  /** Shown as /tmp, too. */
  readonly tmp: string;
  /** Folders and files that the script may write, at their own addresses. */
  readonly writable: readonly string[];
  /** Files that it may read, at their own addresses. */
  readonly readable: readonly string[];
  /** `none`: only a loopback device. */
  readonly network: "full" | "none";
};

/** What to put before the script's own program and arguments. A later mount hides an earlier one below it. */
export function sandboxArguments(host: SandboxHost, job: SandboxJob): readonly [string, ...string[]] {
  const namespaces = ["user", "ipc", "pid", "uts", "cgroup-try", ...(job.network === "none" ? ["net"] : [])];
  return [
    host.program,
    ...namespaces.map((name) => `--unshare-${name}`),
    ...["--hostname", "gantry", "--cap-drop", "ALL"],
    // Ends the script when the process that started it ends, however that ends.
    "--die-with-parent",
    ...["--proc", "/proc", "--dev", "/dev", "--bind", job.tmp, "/tmp"],
    ...host.readOnly.flatMap((path) => ["--ro-bind", path, path]),
    ...host.links.flatMap(({ at, to }) => ["--symlink", to, at]),
    ...job.writable.flatMap((path) => ["--bind", path, path]),
    ...job.readable.flatMap((path) => ["--ro-bind", path, path]),
    ...["--chdir", job.cwd, "--"],
  ];
}
