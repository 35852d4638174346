// How a target tells a refusal from a result.
#pragma once

#include <functional>

namespace zhiyin::fuzz {

/// Runs `parse`. An Error is the right answer to bad bytes: it is noted for LastError, and must name the rank
/// that sent them or the message that they are. Any other exception ends the process.
void Judge(const std::function<void()>& parse);

}  // namespace zhiyin::fuzz
