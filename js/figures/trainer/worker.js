// What the trainer's Worker runs: messages in, messages out (run.js). esbuild makes it a text, see js/build.mjs.

import { run } from "../../engine/run.js";

const channel = new MessageChannel(); // a turn of the event loop, without the delay of a timer
let next = () => {};
channel.port1.onmessage = () => next();

let told = null;
self.onmessage = ({ data }) => {
  told ??= run({
    post: (message, transfer) => self.postMessage(message, transfer),
    later: (act) => {
      next = act;
      channel.port2.postMessage(0);
    },
    now: () => performance.now(),
    room: data.room,
  });
  told(data);
};
