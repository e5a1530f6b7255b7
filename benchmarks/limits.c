/* The same results as plain loops: what a compiler makes of them is the limit. */
#include <math.h>
#include <stddef.h>

void network_gradient(size_t n, const double *x, const double *t, double w1, double w2,
                      double b, double *by_w1, double *by_w2, double *by_b) {
  for (size_t i = 0; i < n; i++) {
    double z1 = w1 * x[i], a1 = z1 > 0 ? z1 : 0;
    double y = 1 / (1 + exp(-(w2 * a1 + b)));
    double delta = (y - t[i]) * y * (1 - y);
    by_w1[i] = z1 > 0 ? delta * w2 * x[i] : 0;
    by_w2[i] = delta * a1;
    by_b[i] = delta;
  }
}

void network_loss(size_t n1, size_t n2, double x, double t, const double *w1,
                  const double *w2, double b, double *loss) {
  for (size_t i = 0; i < n1; i++) {
    double z1 = w1[i] * x, a1 = z1 > 0 ? z1 : 0;
    for (size_t j = 0; j < n2; j++) {
      double residual = 1 / (1 + exp(-(w2[j] * a1 + b))) - t;
      loss[i * n2 + j] = 0.5 * residual * residual;
    }
  }
}

void noisy_cross_entropy(size_t n, const double *a, const double *labels, double eps,
                         double *loss, double *gradient) {
  for (size_t i = 0; i < n; i++) {
    double turn = 1 - 2 * labels[i], t = exp(turn * a[i]);
    double right = 1 - eps + eps * t;
    loss[i] = log1p((eps + (1 - eps) * t) / right);
    gradient[i] = turn * (1 - 2 * eps) * t / (right * (1 + t));
  }
}

/* S runs of online gradient descent with the sums of losses and squared gradients. */
void online_descent(size_t n, size_t p, size_t runs, const double *X, const double *y,
                    const double *eta, double lambda, double *W, double *losses,
                    double *squares) {
  for (size_t s = 0; s < runs; s++) losses[s] = squares[s] = 0;
  for (size_t i = 0; i < n; i++) {
    const double *x = X + i * p;
    for (size_t s = 0; s < runs; s++) {
      double *w = W + s * p, product = 0, norm = 0, square = 0;
      for (size_t j = 0; j < p; j++) {
        product += w[j] * x[j];
        norm += w[j] * w[j];
      }
      double margin = y[i] * product, decay = exp(-fabs(margin));
      double pull = y[i] * (margin < 0 ? 1 : decay) / (1 + decay);
      losses[s] += log1p(decay) + (margin < 0 ? -margin : 0) + lambda * norm;
      for (size_t j = 0; j < p; j++) {
        double g = 2 * lambda * w[j] - pull * x[j];
        square += g * g;
        w[j] -= eta[s] * g;
      }
      squares[s] += square;
    }
  }
}

void descent_path(size_t steps, double m, double margin, double pull, double push,
                  double *logits) {
  for (size_t k = 0; k <= steps; k++) {
    logits[k] = m;
    double decay = exp(-m), total = 1 + decay;
    m += pull * (margin - m) - (m > 0 ? push * decay / (total * total) : 0);
  }
}
