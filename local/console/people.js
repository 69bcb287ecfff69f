// Who signed up at the local identity service, and the links that a mail would have brought them.
"use strict";

let shownPeople = "";
const PURPOSES = {
  VERIFY_EMAIL: "verify the address",
  VERIFY_AND_CHANGE_EMAIL: "change the address",
  PASSWORD_RESET: "choose a new password",
  EMAIL_SIGNIN: "sign in",
};

function personRow({ email, displayName, localId, emailVerified, disabled, providerUserInfo = [] }) {
  const ways = providerUserInfo.map((way) => way.providerId).join(", ");
  const facts = [emailVerified ? "verified" : "not verified", disabled ? "disabled" : ""].filter(Boolean).join(", ");
  const cells = [email ?? localId, displayName ?? "", ways, facts];
  return element("tr", {}, ...cells.map((text) => element("td", { textContent: text })));
}

function codeEntry({ email, requestType, oobLink }) {
  const link = element("a", { href: oobLink, target: "_blank", rel: "noopener", textContent: PURPOSES[requestType] });
  return element("p", {}, `${email}: `, link);
}

async function showPeople() {
  if (document.hidden) return;
  const answer = await fetch("/_local/people").catch(() => null);
  if (!answer || !answer.ok) return;
  const { people, codes } = await answer.json();
  const now = JSON.stringify([people, codes]);
  if (now === shownPeople) return;
  shownPeople = now;
  const nobody = element("p", { className: "quiet", textContent: "Nobody has signed up yet." });
  byId("people").replaceChildren(people.length ? element("table", {}, ...people.map(personRow)) : nobody);
  byId("codes").replaceChildren(...codes.map(codeEntry));
}

showPeople();
setInterval(showPeople, 3000);
