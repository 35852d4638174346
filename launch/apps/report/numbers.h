// Numbers as the report shows them.
#pragma once

#include <optional>
#include <string>

namespace zhiyin::launch::apps {

/// `format` is printf's; a value that rounds to nothing has no minus sign.
std::string Number(double value, const char* format = "%.5f");
/// A dash where there is no value.
std::string Number(const std::optional<double>& value, const char* format = "%.5f");
/// "0.9412 (0.9388–0.9436)".
std::string WithInterval(double mean, double low, double high);

}  // namespace zhiyin::launch::apps
