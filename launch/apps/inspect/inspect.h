// zhiyin inspect: what is in a saved model or checkpoint, and whether it is whole.
#pragma once

#include <functional>
#include <string>

namespace zhiyin::launch::apps {

struct InspectCommand {
  std::string checkpoint;  // a model's folder, or an output folder: all that it has
  std::string row;         // "FIELD=VALUE", or "TABLE:KEY" with the key in hexadecimal; "": none
  std::string against;     // another folder, to compare with; "": none
  std::function<void(const std::string&)> print;
};

/// Reads and checks everything; prints. Returns 1 when something is damaged, or the two differ;
/// otherwise 0. Throws Error when there is nothing to look at, or no such row.
int Inspect(const InspectCommand& command);

}  // namespace zhiyin::launch::apps
