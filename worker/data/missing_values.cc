#include "worker/data/missing_values.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "worker/data/example_parser.h"

namespace zhiyin::worker::data {

MissingValues::MissingValues(const Text& text)
    : texts_(text.missing().begin(), text.missing().end()) {
  for (const std::string& missing : texts_) {
    double number = 0;
    // This reads "nan" and "inf", too, which ParseNumber refuses.
    const char* const end = missing.data() + missing.size();
    const auto [stop, error] = std::from_chars(missing.data(), end, number);
    if (ParseNumber(missing, &number) || (error == std::errc() && stop == end))
      numbers_.push_back(number);
  }
}

bool MissingValues::HasNumber(double number) const {
  return std::any_of(numbers_.begin(), numbers_.end(), [number](double missing) {
    return number == missing || (std::isnan(number) && std::isnan(missing));
  });
}

}  // namespace zhiyin::worker::data
