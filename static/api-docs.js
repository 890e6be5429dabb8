// Shows the API's document. A token that is typed in stays in this page: it is kept nowhere, and asked for again.
addEventListener("load", () => {
  SwaggerUIBundle({
    url: document.getElementById("api-docs").dataset.document,
    dom_id: "#api-docs",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    persistAuthorization: false,
    validatorUrl: null,
    withCredentials: false,
  });
});
