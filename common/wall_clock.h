// The time of day: for people and for comparisons between hosts. Nobody waits by it.
#pragma once

#include <string>

namespace zhiyin {

/// "2026-11-25T21:30:54Z". Any thread.
std::string UtcNow();

/// Seconds since 1970.
double UnixNow();

}  // namespace zhiyin
