// Formats numbers for pages and tables.
#pragma once

#include <optional>
#include <string>

namespace zhiyin::launch::apps {

/// Formats a value by a format of printf. A value that rounds to zero has no minus sign.
std::string Number(double value, const char* format = "%.5f");
/// Formats a value, or returns a dash if there is none.
std::string Number(const std::optional<double>& value, const char* format = "%.5f");
/// "0.9412 (0.9388–0.9436)".
std::string WithInterval(double mean, double low, double high);

}  // namespace zhiyin::launch::apps
