// A job with two towers for users and items of two tastes.
#pragma once

#include <string>

namespace zhiyin::testing {

/// 60 users u0, u1, ... and items i0, i1, ... of two tastes, by parity; each user has half of the
/// 20 items of the own taste, in turn.
std::string TasteEvents();
/// A job whose events are in a file.
std::string TasteConfig(const std::string& file);

}  // namespace zhiyin::testing
