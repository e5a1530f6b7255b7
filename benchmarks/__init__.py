"""Every kernel of `hw4lib` beside the tools that a user would otherwise pick.

`make benchmark` runs all of them, `python -m benchmarks --only PATTERN` some, and
`python -m benchmarks --quick` all of them once, at small sizes.
A module here measures the module of the same name there, and adding a peer is adding
a function:

```python
@KERNEL.peer("library")
def library(x):
    import library            # missing? then it is left out, and a line says so
    prepared = library.asarray(x)
    return lambda: library.function(prepared)  # this call is timed
```

A peer whose `work` is "limit" does only what nobody can leave out, such as reading the
arguments or multiplying the matrices; it returns `()`, and the page draws it apart.
`KERNEL.limit(exponentials=1)` registers one for an elementwise formula. It is a loop of
`loops.c`, and so are the peers called "C loop": they need a C compiler with OpenMP.
"""
