/** Shell that leaves behind what is hard to end: a child that ignores SIGTERM, and a grandchild in a session of its own. */
const stubborn = (name: string) =>
  `trap "" TERM INT HUP; echo $$ >${name}.new; mv ${name}.new ${name}; while :; do sleep 1; done`;

export const forking = `trap "" TERM INT HUP
(setsid sh -c '${stubborn("grandchild")}' &)
sh -c '${stubborn("child")}'`;
