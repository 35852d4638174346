// Small things about names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zhiyin {

/// Letters to insert, delete or replace to turn one into the other (Levenshtein, 1966).
int EditDistance(std::string_view a, std::string_view b);

/// The name among `known` nearest to `name` by edit distance, or "" when more than a third of its letters
/// would have to change.
std::string NearestName(std::string_view name, std::span<const std::string> known);

/// What to say behind an unknown name: `; the nearest is "x"`, or the known names when none is near.
std::string Suggestion(std::string_view name, std::span<const std::string> known);

}  // namespace zhiyin
