// The wall clock, for messages and for comparisons between hosts. Waits use a steady clock instead.
#pragma once

#include <string>

namespace zhiyin {

/// The time in UTC: "2026-11-25T21:30:54Z". Any thread.
std::string UtcNow();

/// Seconds since 1970. Any thread.
double UnixNow();

}  // namespace zhiyin
