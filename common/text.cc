#include "common/text.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/utf8.h"

namespace zhiyin {
namespace {

/// Known names that are listed at most.
constexpr size_t kMaxListed = 40;

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string Escaped(char c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

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
  if (name.size() > 128) return "";  // not meant as a name
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
  for (size_t i = 0; i < std::min(known.size(), kMaxListed); ++i)
    text += (i > 0 ? ", " : "") + known[i];
  if (known.size() > kMaxListed) text += ", ... (" + std::to_string(known.size()) + " in all)";
  return text;
}

std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const size_t n = std::min(FindInvalidUtf8(text), text.size());
    for (char c : text.substr(0, n)) line += IsControl(c) ? Escaped(c) : std::string(1, c);
    if (n < text.size()) line += Escaped(text[n]);
    text.remove_prefix(std::min(n + 1, text.size()));
  }
  return line;
}

std::string Shortened(std::string_view text, size_t max_bytes) {
  constexpr std::string_view kGap = " ... ";
  if (text.size() <= max_bytes) return std::string(text);
  const size_t n_end = (max_bytes - kGap.size()) / 2;
  const size_t n_start = max_bytes - kGap.size() - n_end;
  return std::string(text.substr(0, n_start)).append(kGap).append(text.substr(text.size() - n_end));
}

}  // namespace zhiyin
