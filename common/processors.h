// The processors that this process may run on.
#pragma once

#include <sched.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace zhiyin {

/// Fills *set, which has n_bytes bytes, with the processors that this process may run on. Returns
/// 0; on an error returns -1 and sets errno, to EINVAL if the kernel's set is larger (as
/// sched_getaffinity).
using GetAffinity = std::function<int(size_t n_bytes, cpu_set_t* set)>;

/// Returns the numbers of the processors that this process may run on, ascending; empty if `get`
/// fails. Calls `get` with a set for 1,024 processors, the size of a cpu_set_t, then with sets
/// twice as large each time, up to 2^20 processors, while it fails with EINVAL.
std::vector<int> AllowedProcessors(const GetAffinity& get);
/// Calls AllowedProcessors(get) with sched_getaffinity.
std::vector<int> AllowedProcessors();

/// The number of processors that this process may run on, or, if the kernel does not tell, of the
/// host's processors; at least 1.
int NumProcessors();

}  // namespace zhiyin
