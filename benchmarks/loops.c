/* Four kernels as plain loops, and what no method can avoid; compiled by `peers.c`. */

#include <math.h>

/* Read arrays of n numbers, take some exponentials of each entry, write arrays. */
void limit(long n, long reads, const double **in, long exps, long writes, double **out) {
    enum { BLOCK = 64 };
#pragma omp parallel for if (n > 1 << 15)
    for (long first = 0; first < n; first += BLOCK) {
        double v[BLOCK] = {0.0};
        long m = n - first < BLOCK ? n - first : BLOCK;
        for (long k = 0; k < reads; k++)
            for (long i = 0; i < m; i++) v[i] += in[k][first + i];
        for (long k = 0; k < exps; k++)
            for (long i = 0; i < m; i++) v[i] = exp(-fabs(v[i]));
        for (long k = 0; k < writes; k++)
            for (long i = 0; i < m; i++) out[k][first + i] = v[i];
    }
}

/* Gradients of the 1-1-1 network with respect to w1, w2 and b, for each example. */
void examples(long n, const double *x, const double *t, double w1, double w2, double b,
              double *dw1, double *dw2, double *db) {
#pragma omp parallel for simd if (n > 1 << 15)
    for (long i = 0; i < n; i++) {
        double z1 = w1 * x[i], a1 = z1 > 0.0 ? z1 : 0.0;
        double y = 1.0 / (1.0 + exp(-(w2 * a1 + b)));
        double delta = (y - t[i]) * y * (1.0 - y);
        dw1[i] = z1 > 0.0 ? delta * w2 * x[i] : 0.0;
        dw2[i] = delta * a1;
        db[i] = delta;
    }
}

/* Noisy cross entropy of labels 0 and 1, and its derivative with respect to the logit. */
void noisy(long n, const double *a, const double *y, double flip, double *loss,
           double *gradient) {
#pragma omp parallel for simd if (n > 1 << 15)
    for (long i = 0; i < n; i++) {
        double sign = 2.0 * y[i] - 1.0, decay = exp(-fabs(a[i]));
        double right = sign * a[i] > 0.0 ? 1.0 : decay;
        double wrong = sign * a[i] > 0.0 ? decay : 1.0;
        double q = (1.0 - flip) * right + flip * wrong;
        loss[i] = log((1.0 + decay) / q);
        gradient[i] = -sign * (1.0 - 2.0 * flip) * decay / ((1.0 + decay) * q);
    }
}

/* y_i is the sum over j of w_j x_(i + j), 32 sums at a time: n - k >= 31. */
void conv1d(long n, const double *x, long k, const double *w, double *y) {
    enum { SUMS = 32 };
    long last = n - k + 1 - SUMS;
#pragma omp parallel for if (n > 1 << 15)
    for (long block = 0; block < last + SUMS; block += SUMS) {
        long i = block < last ? block : last; /* the last two blocks may overlap */
        double sum[SUMS] = {0.0};
        for (long j = 0; j < k; j++)
            for (int l = 0; l < SUMS; l++) sum[l] += w[j] * x[i + j + l];
        for (int l = 0; l < SUMS; l++) y[i + l] = sum[l];
    }
}

/* Online gradient descent on w, with the sums of losses and squared gradients. */
void stream(long n, long p, const double *X, const double *y, double eta, double *w,
            double *totals) {
    for (long i = 0; i < n; i++, X += p) {
        double product = 0.0, square = 0.0, squares = 0.0;
        for (long j = 0; j < p; j++) product += w[j] * X[j], square += w[j] * w[j];
        double margin = y[i] * product, decay = exp(-fabs(margin));
        double pull = y[i] * (margin > 0.0 ? decay : 1.0) / (1.0 + decay);
        for (long j = 0; j < p; j++) {
            double gradient = 2.0 * w[j] - pull * X[j];
            squares += gradient * gradient;
            w[j] -= eta * gradient;
        }
        totals[0] += log1p(decay) + (margin < 0.0 ? -margin : 0.0) + square;
        totals[1] += squares;
    }
}
