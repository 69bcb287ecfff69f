// The mails that the local mail server has kept.
"use strict";

let shownMails = "";

function mailEntry({ to, subject, date, text }) {
  const summary = element("summary", {}, element("strong", { textContent: subject }),
    ` to ${to}, ${new Date(date).toLocaleTimeString()}`);
  return element("details", {}, summary, element("pre", { textContent: text }));
}

async function showMails() {
  if (document.hidden) return;
  const answer = await fetch("/_local/mails").catch(() => null);
  if (!answer || !answer.ok) return;
  const { mails } = await answer.json();
  const now = JSON.stringify(mails);
  if (now === shownMails) return;
  shownMails = now;
  const nothing = element("p", { className: "quiet", textContent: "No mail yet." });
  byId("mails").replaceChildren(...(mails.length ? mails.map(mailEntry) : [nothing]));
}

showMails();
setInterval(showMails, 3000);
