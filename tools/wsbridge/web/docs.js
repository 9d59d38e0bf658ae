"use strict";
// Shows /openapi.json with the bundle of Swagger UI or Redoc, where it was fetched.
const place = document.getElementById("reference");
const swagger = place.dataset.viewer === "swagger";

function missing() {
  const text = document.createElement("p");
  const spec = document.createElement("a");
  spec.href = "/openapi.json";
  spec.textContent = "/openapi.json";
  text.append("The viewer is not installed. Fetch it with ");
  const command = document.createElement("code");
  command.textContent = "make deps-docs";
  text.append(command, " in the source tree, then install again. The description itself is ", spec, ".");
  place.replaceChildren(text);
}

if (swagger && typeof SwaggerUIBundle === "function") {
  SwaggerUIBundle({
    url: "/openapi.json",
    domNode: place,
    validatorUrl: null,
    persistAuthorization: true,
    deepLinking: true,
    requestInterceptor: (request) => {
      const token = sessionStorage.getItem("token");
      if (token && !request.headers.Authorization) request.headers.Authorization = `Bearer ${token}`;
      return request;
    },
  });
} else if (!swagger && typeof Redoc === "object") {
  Redoc.init("/openapi.json", { hideLogo: true, disableSearch: false, nativeScrollbars: true }, place);
} else {
  missing();
}
