#include "common/text.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace zhiyin {
namespace {

/// Known names that are listed at most.
constexpr size_t kMaxListed = 40;

}  // namespace

int EditDistance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string NearestName(std::string_view name, std::span<const std::string> known) {
  if (name.size() > 128) return "";  // nobody meant a name by that
  int best = std::max(1, static_cast<int>(name.size()) / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    const int distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string Suggestion(std::string_view name, std::span<const std::string> known) {
  if (const std::string nearest = NearestName(name, known); !nearest.empty())
    return "; the nearest is \"" + nearest + "\"";
  if (known.empty()) return "; there are none";
  std::string text = "; known are ";
  for (size_t i = 0; i < std::min(known.size(), kMaxListed); ++i) text += (i > 0 ? ", " : "") + known[i];
  if (known.size() > kMaxListed) text += ", ... (" + std::to_string(known.size()) + " in all)";
  return text;
}

}  // namespace zhiyin
