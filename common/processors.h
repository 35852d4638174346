// The processors that this process may run on.
#pragma once

#include <sched.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace zhiyin {

/// Fills a set of n_bytes bytes. Returns 0, or -1 with an errno: EINVAL if the kernel's sets are
/// larger.
using GetAffinity = std::function<int(size_t n_bytes, cpu_set_t* set)>;

/// The numbers of the processors that this process may run on, ascending; empty if the kernel does
/// not say. A cpu_set_t has room for 1,024 processors: larger sets are tried until one is large
/// enough.
std::vector<int> AllowedProcessors(const GetAffinity& get);
std::vector<int> AllowedProcessors();

/// The number of processors that this process may run on, at least 1.
int NumProcessors();

}  // namespace zhiyin
