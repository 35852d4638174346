#include "launch/apps/numbers.h"

#include <cmath>
#include <cstdio>
#include <string_view>

namespace zhiyin::launch::apps {

std::string Number(double value, const char* format) {
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  // No minus sign in front of nothing.
  const bool is_zero = std::string_view(text).find_first_of("123456789n") == std::string_view::npos;
  return is_zero && text[0] == '-' ? text + 1 : text;
}

std::string Number(const std::optional<double>& value, const char* format) {
  return value ? Number(*value, format) : "–";
}

std::string WithInterval(double mean, double low, double high) {
  return Number(mean, "%.4f") + " (" + Number(low, "%.4f") + "–" + Number(high, "%.4f") + ")";
}

}  // namespace zhiyin::launch::apps
