"""Problem 4: online logistic regression, its regret, and what can be known before.

- [`descent`][hw4lib.online_learning.descent]: loss, gradient, one step, a run
- [`regret`][hw4lib.online_learning.regret]: the batch optimum, regret, inequality (10)
- [`radius`][hw4lib.online_learning.radius]: how far optimum and iterates can be from 0
- [`bounds`][hw4lib.online_learning.bounds]: regret bounds for all data, and step sizes
- [`adversary`][hw4lib.online_learning.adversary]: the data for which it is tight
"""
