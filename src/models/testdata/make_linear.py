"""Prints the figures of linear_model_test.cc: scikit-learn 1.9.1 on the rows that the test makes by the same arithmetic."""
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

state = 1


def uniform():
    """The test's generator: a 31-bit linear congruential sequence."""
    global state
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648


rows = []
for _ in range(200):
    a, b, c, d = uniform(), uniform(), uniform(), uniform()
    code = int(d * 3)
    z = 2 * a - 3 * b + (0.7 if code == 1 else 0) - 0.2
    rows.append((a, 100 * b, code, 1.0 if c < 1 / (1 + np.exp(-z)) else 0.0, z + c, 1 + int(4 * d)))
r = np.array(rows)
onehot = np.eye(3)[r[:, 2].astype(int)]
plain = np.column_stack([r[:, :2], onehot])
scaled = np.column_stack([StandardScaler().fit_transform(r[:, :2]), onehot])
print("scikit-learn", sklearn.__version__)
for name, x in [("plain", plain), ("scaled", scaled)]:
    for weights in [None, r[:, 5]]:
        if name == "scaled" and weights is not None:
            continue
        lr = LogisticRegression(C=1, tol=1e-13, max_iter=1000, solver="newton-cholesky").fit(x, r[:, 3], weights)
        ridge = Ridge(alpha=1).fit(x, r[:, 4], weights)
        print(name, "weighted" if weights is not None else "", "logistic", lr.intercept_[0].__repr__(), [float(v) for v in lr.coef_[0]])
        print(name, "weighted" if weights is not None else "", "ridge", float(ridge.intercept_), [float(v) for v in ridge.coef_])
