// The first user, by the one-time code behind the '#': it never goes into a log or a Referer.
const form = document.getElementById("setup");
const problem = form.querySelector(".problem");
const code = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
if (!code) problem.textContent = "The link is not whole: its end, behind the #, is missing.";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password, again } = Object.fromEntries(new FormData(form));
  if (password !== again) {
    problem.textContent = "The two passwords differ.";
    return;
  }
  problem.textContent = "";
  try {
    const answer = await fetch("/api/auth/setup", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code, email, password }),
    });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(body.detail || body.title || `status ${answer.status}`);
    sessionStorage.setItem("token", body.access_token);
    location.replace("/");
  } catch (error) {
    problem.textContent = error.message;
  }
});
