// Leads on from an old address: a page that moved, or a section that has a page of its
// own now. Names of functions keep their place, whichever module they moved to.
// A page loads it when it lacks the place that its address names.

globalThis.hw4Moved = (() => {
  const MODULES = {
    "hw4lib.noisy_targets": {
      training: ["sgd_step", "train_sgd", "fit_logistic", "LogisticFit"],
      identification: ["logit_information", "fisher_information", "attenuation_factor", "equivalent_logits", "fit_flip_probability"],
      loss: [],
    },
    "hw4lib.adversarial_example": {
      line: ["reduced_objective", "minimizing_logit", "hinge_minimizing_logit", "critical_beta", "descent_beta", "minimizer_jump", "jump", "regime_margins", "escape_time", "Jump", "RegimeMargins"],
      descent: ["gradient_descent", "Descent"],
      space: [],
    },
  };
  const RENAMED = {
    logit: "preactivation", hypothesis: "predicted_probability", jump: "minimizer_jump",
    neighbour_rankings: "neighbor_rankings", softmax_derivative: "softmax_jacobian",
    loss: "network_loss", gradient: "network_gradient",
    relu_output_loss_gradient: "relu_output_loss_derivative",
    sign_change_learning_rate: "sign_change_step_size",
    sign_preserving_learning_rate: "sign_preserving_step_size",
  };

  /** Where an anchor of the reference is today: the file of its page, and its name. */
  function place(anchor) {
    const [, module, name] = /^(hw4lib[\w.]*)\.(\w+)$/.exec(anchor) ?? [];
    if (!module) return undefined;
    const now = RENAMED[name] ?? name;
    const parts = MODULES[module];
    if (parts) {
      const [stem] = Object.entries(parts).find(([, names]) => names.includes(name)) ?? [Object.keys(parts).at(-1)];
      return { page: `${stem}.html`, anchor: `${module}.${stem}.${now}` };
    }
    const moved = module.replace("architecture.positional_encoding", "architecture.encoding").replace("architecture.graph_attention", "architecture.graph");
    return { page: "", anchor: `${moved}.${name === "sgd_step" && module === "hw4lib.backpropagation" ? "network_step" : now}` };
  }

  return { place };
})();

{
  const to = document.currentScript?.dataset.to;
  let anchor = location.hash.slice(1);
  try {
    anchor = decodeURIComponent(anchor);
  } catch {
    // It is not encoded, and names what it spells.
  }
  if (to) {
    const now = hw4Moved.place(anchor);
    const page = now?.page ? to.replace(/[^/]*$/, now.page) : to;
    location.replace(page + (anchor ? `#${now?.anchor ?? anchor}` : ""));
  } else if (anchor && !document.getElementById(anchor)) {
    // The theorems of a problem have a page of their own, under the same anchors.
    const page = location.pathname.split("/").at(-1);
    if (/^[1-5](-beyond|-\w+-beyond)/.test(anchor) && !location.pathname.includes("/beyond/")) {
      location.replace(new URL(`beyond/${page}${location.hash}`, location.href));
    }
    const now = hw4Moved.place(anchor);
    if (now && !now.page && document.getElementById(now.anchor)) location.hash = now.anchor;
  }
}
