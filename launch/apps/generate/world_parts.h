// What worlds have in common.
#pragma once

#include <google/protobuf/message.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>

namespace zhiyin::launch::apps {

/// A file of a world: its name and who writes it.
struct WorldFile {
  std::string name;
  std::function<void(std::ostream&)> write;
};

/// Where users live.
inline constexpr std::array<const char*, 6> kRegionNames = {"north", "east",  "south",
                                                            "west",  "coast", "capital"};

/// Sets a whole-number field that is not set; one that is must lie between `least` and `most`.
/// Throws Error.
void FillDefault(google::protobuf::Message* config, const std::string& field, int64_t value,
                 int64_t most, int64_t least = 1);

/// "ada-17".
std::string UserName(int64_t u);

inline double Sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

/// With so many digits behind the point.
std::string Fixed(double value, int digits);

/// A time as files hold it: five digits behind the point, rounded down, so that no event moves
/// behind a whole day.
inline double Rounded(double time) {
  return std::floor(time * 1e5) / 1e5;
}

}  // namespace zhiyin::launch::apps
