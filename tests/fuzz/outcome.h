// How a target tells a refusal from a result.
#pragma once

#include <functional>
#include <string_view>

namespace zhiyin::fuzz {

/// Runs `parse`. An Error is the right answer to bad bytes: it is noted for LastError, and must
/// name what `culprit` says, a rank or a message. Any other exception ends the process.
void Judge(std::string_view culprit, const std::function<void()>& parse);

}  // namespace zhiyin::fuzz
