#include "launch/apps/generate/world_parts.h"

#include <array>
#include <cstdio>

#include "common/error.h"

namespace zhiyin::launch::apps {

void FillDefault(google::protobuf::Message* config, const std::string& field, int64_t value,
                 int64_t most, int64_t least) {
  const auto* descriptor = config->GetDescriptor()->FindFieldByName(field);
  const auto* reflection = config->GetReflection();
  const bool is_short = descriptor->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_INT32;
  if (!reflection->HasField(*config, descriptor)) {
    is_short ? reflection->SetInt32(config, descriptor, static_cast<int32_t>(value))
             : reflection->SetInt64(config, descriptor, value);
  }
  const int64_t is = is_short ? reflection->GetInt32(*config, descriptor)
                              : reflection->GetInt64(*config, descriptor);
  if (is < least || is > most)
    Fail("generate: ", field, " is ", is, ", expected ", least, " to ", most);
}

std::string UserName(int64_t u) {
  constexpr std::array<const char*, 24> kNames = {
      "ada", "ben", "cleo", "dan",  "eva",   "finn", "gina", "hugo", "ida", "jon",  "kim",  "leo",
      "mia", "ned", "olga", "paul", "quinn", "rosa", "sam",  "tara", "udo", "vera", "will", "zoe"};
  return std::string(kNames[static_cast<size_t>(u) % kNames.size()]) + "-" + std::to_string(u);
}

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

}  // namespace zhiyin::launch::apps
