/** The page at /: what this is, and where the lab, the documentation and the API are. */
import { html } from "hono/html";
import { page, type Html } from "./docs-style.ts";

const places = [
  {
    href: "/lab",
    name: "The lab",
    text: "Attack a network on a picture in this browser, your own or one that ships. Nothing is uploaded.",
  },
  { href: "/docs", name: "The HTTP API", text: "Every request with its fields, its answers and an example." },
  { href: "/v1/models", name: "Networks", text: "Those that this service has, as JSON." },
  { href: "/v1/attacks", name: "Attacks", text: "Those that it knows, with their options and papers, as JSON." },
  { href: "/openapi.json", name: "openapi.json", text: "The API as an OpenAPI document, for generated clients." },
];

/** @param origin of the service, for the example. */
export const frontPage = (origin: string): Html =>
  page(
    "Robustness of segmentation networks",
    html`<main class="front">
      <p class="brand">Faultline</p>
      <h1>How little does it take to break a segmentation network?</h1>
      <p>
        A semantic-segmentation network assigns a class to every pixel of a picture. Faultline changes each pixel by a
        few grey levels, too little to see, so that the network assigns other classes, and says how much of its accuracy
        is left. It takes ONNX networks.
      </p>
      <ul class="places">
        ${places.map(({ href, name, text }) => html`<li><a href="${href}">${name}</a><br />${text}</li>`)}
      </ul>
      <pre><code>curl ${origin}/v1/attack -F image=@picture.png -F 'spec={"attack":"ifgsm-ii","epsilon":8};type=application/json'</code></pre>
      <p class="soft">
        After
        <a href="https://arxiv.org/abs/1711.09856"
          >On the Robustness of Semantic Segmentation Models to Adversarial Attacks</a
        >, Arnab, Miksik and Torr, CVPR 2018.
      </p>
    </main>`,
  );
