#include "schuss/module.hpp"

#include <Python.h>

#include "schuss/kernels.hpp"
#include "signum.hpp"

SCHUSS_RULES(signum, &schuss::kernel<Signum>);
