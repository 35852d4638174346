// Parts that the generators of synthetic data sets share.
#pragma once

#include <google/protobuf/message.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "worker/data/writer/table_writer.h"

namespace zhiyin::launch::apps {

/// A file of a synthetic data set: its name without an ending, and what it holds.
struct WorldFile {
  std::string name;
  worker::data::DataTable table;
};

/// The regions of users.
inline constexpr std::array<std::string_view, 6> kRegionNames = {"north", "east",  "south",
                                                                 "west",  "coast", "capital"};

/// Sets an integer field to `value` if it is not set. Throws Error if its value is not in
/// [least, most].
void FillDefault(google::protobuf::Message* config, const std::string& field, int64_t value,
                 int64_t most, int64_t least = 1);

/// The name of user u: "ada-17".
std::string UserName(int64_t u);

inline double Sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

/// The text of a column that is 0 or 1.
inline std::string_view Bit(bool is_one) {
  return is_one ? "1" : "0";
}

/// The value with this number of digits after the decimal point.
std::string Fixed(double value, int digits);

/// Rounds a time in days down to the five decimal digits that files hold. Rounding up could move an
/// event to the next day.
inline double Rounded(double time) {
  return std::floor(time * 1e5) / 1e5;
}

}  // namespace zhiyin::launch::apps
