#include "common/config/checker.h"

#include "common/text.h"

namespace zhiyin::config {

void Checker::FailUnknown(const ConfigPath& path, const char* what, const std::string& name,
                          std::span<const std::string> known) const {
  Fail(path, "no ", what, " \"", name, "\"", Suggestion(name, known));
}

void Checker::CheckName(const ConfigPath& path, const std::string& name,
                        std::set<std::string>* taken) const {
  if (name.empty()) Fail(path, "has no name");
  if (!IsCleanName(name))
    Fail(path("name"), "is \"", name, "\", expected at most 128 letters, digits, _ and -");
  if (!taken->insert(name).second) Fail(path("name"), "\"", name, "\" is taken by an earlier one");
}

}  // namespace zhiyin::config
