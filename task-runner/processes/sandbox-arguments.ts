// The command line of bubblewrap for one script. Pure: what exists on the machine is an argument.  A script sees the
// system's programs and libraries read-only; its own workspace, home and temporary folder writable; its own /proc; and
// nothing else: no file of the runner, no environment or process of another job. The PID namespace ends everything that a
// script leaves behind, including processes that left their group or cleared their environment.

import type { EtcView } from "./etc-view.ts";
import { SHOWN_TMP } from "./mount-points.ts";

/** The parts of the machine that a sandbox shows. Plain data, so that it can be sent to another thread. */
export type SandboxHost = {
  /** Address of the bubblewrap program. */
  readonly program: string;
  readonly etc: EtcView;
  /** Folders and files that exist, shown read-only at their own address; those below /etc over the view of it. */
  readonly readOnly: readonly string[];
  /** Links at the root, such as /bin → usr/bin. */
  readonly links: readonly { readonly at: string; readonly to: string }[];
  /**
   * The runner is root. The script's root is then the machine's root without capabilities, and many kernel files check only
   * the user: settings below /proc/sys (`kernel.core_pattern` starts a program as root), control groups.
   */
  readonly isRoot: boolean;
  /** This bubblewrap (0.8 or later) can forbid further user namespaces, in which a script could mount control groups. */
  readonly canForbidNamespaces: boolean;
};

export type SandboxJob = {
  /** Where the script starts. */
  readonly cwd: string;
  /** Shown as /tmp, /var/tmp and /dev/shm, too. */
  readonly tmp: string;
  /** Folders and files that the script may write, at their own addresses. */
  readonly writable: readonly string[];
  /** Files that it may read, at their own addresses. */
  readonly readable: readonly string[];
  /**
   * For an image builder of a runner that is root. The builder keeps its capabilities; the programs that it starts must not
   * have them. There is no user namespace, because layers have files of many users.
   */
  readonly isImageBuild?: boolean;
  /** The descriptor into which bubblewrap writes the id of the first process. */
  readonly initFd?: number;
  /** `none`: only a loopback device. */
  readonly network: "full" | "none";
};

/** The arguments that precede the script's own program and arguments. A later mount hides earlier ones below it. */
export function sandboxArguments(host: SandboxHost, job: SandboxJob): readonly [string, ...string[]] {
  const isBuild = job.isImageBuild === true;
  const namespaces = [
    ...(isBuild ? [] : ["user"]),
    "ipc",
    "pid",
    "uts",
    "cgroup-try",
    ...(job.network === "none" ? ["net"] : []),
  ];
  return [
    host.program,
    ...namespaces.map((name) => `--unshare-${name}`),
    ...(host.isRoot && host.canForbidNamespaces && !isBuild ? ["--disable-userns"] : []),
    ...(job.initFd === undefined ? [] : ["--info-fd", String(job.initFd)]),
    ...["--hostname", "gantry", isBuild ? "--cap-add" : "--cap-drop", "ALL"],
    // Builders mount /sys for the commands of a Dockerfile, and keep locks in /run.
    ...(isBuild ? ["--dir", "/sys", "--tmpfs", "/run"] : []),
    // Ends the script when the process that started it ends, for any reason.
    "--die-with-parent",
    ...["--proc", "/proc", ...(host.isRoot ? ["--remount-ro", "/proc"] : [])],
    // Shared memory and temporary files are in the job's folder, whose size is limited: a tmpfs could fill the machine's
    // memory.
    ...["--dev", "/dev", ...SHOWN_TMP.flatMap((path) => ["--bind", job.tmp, path]), "--remount-ro", "/dev"],
    ...["--ro-bind", host.etc.folder, "/etc"],
    ...host.readOnly.flatMap((path) => ["--ro-bind", path, path]),
    ...host.links.flatMap(({ at, to }) => ["--symlink", to, at]),
    ...job.writable.flatMap((path) => ["--bind", path, path]),
    ...job.readable.flatMap((path) => ["--ro-bind", path, path]),
    ...["--remount-ro", "/", "--chdir", job.cwd, "--"],
  ];
}
