#include "trace/trace-hw_im.h"
