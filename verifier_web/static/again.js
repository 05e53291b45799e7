// A page that waits for something asks whether that has changed, less and less often, and is shown anew once it has.

const waits = document.querySelector('[data-state]');
const FIRST = 3, LONGEST = 30;

const look = async seconds => {
  try {
    const answer = await fetch(location.href, {headers: {Accept: 'text/html'}});
    if (answer.ok && !(await answer.text()).includes(`data-state="${waits.dataset.state}"`)) return location.reload();
  } catch {
    // the line is down: later
  }
  later(Math.min(seconds * 1.5, LONGEST));
};

const later = seconds => setTimeout(look, seconds * 1000, seconds);

if (waits) later(FIRST);
