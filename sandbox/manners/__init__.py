"""How invented bodies behave: one file a manner, all of them named in `registry`."""
