"""Every kernel of `hw4lib` beside the tools that a user would otherwise pick.

`make benchmark` runs all of them; `python -m benchmarks --only PATTERN` some.
A module here measures the module of the same name there, and adding a peer is adding
a function:

```python
@KERNEL.peer("library", floor=2)
def library(x):
    import library            # missing? then the table says so
    prepared = library.asarray(x)
    return lambda: library.function(prepared)  # this call is timed
```
"""
