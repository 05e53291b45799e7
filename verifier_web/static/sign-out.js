// Signing out of any page: what was typed and not sent goes from this tab's own storage; the next one may be another's.
document.querySelectorAll('form[action*="/sign-out"]').forEach(form => form.addEventListener('submit', () => {
  try {
    Object.keys(sessionStorage).filter(key => key.startsWith('entry:')).forEach(key => sessionStorage.removeItem(key));
  } catch { /* there is none, or none allowed */ }
}));
