"use strict";
// The contract as a page: asked on this very origin, with an access token that was got elsewhere.
const place = document.getElementById("api");

function forThisPage(contract) {
  // No browser has the key of a client: only the pasted access token is of use here.
  const { oauth2: _, ...schemes } = contract.components.securitySchemes;
  contract.components.securitySchemes = schemes;
  contract.servers = [{ url: window.location.origin }];
  for (const item of Object.values(contract.paths)) {
    for (const operation of Object.values(item)) {
      if (operation.security) operation.security = operation.security.filter((each) => !("oauth2" in each));
    }
  }
  return contract;
}

fetch(place.dataset.contract)
  .then((answer) => answer.json())
  .then((contract) => {
    SwaggerUIBundle({
      domNode: place,
      spec: forThisPage(contract),
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      tryItOutEnabled: false,
      validatorUrl: null,
      presets: [SwaggerUIBundle.presets.apis],
    });
  });
