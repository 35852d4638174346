// zhiyin inspect: checks a saved model or checkpoint and prints its contents.
#pragma once

#include <functional>
#include <string>

namespace zhiyin::launch::apps {

struct InspectCommand {
  std::string checkpoint;  // a model's folder, or an output folder, for all of its models
  std::string row;         // an embedding row: "FIELD=VALUE", or "TABLE:KEY" with the key in
                           // hexadecimal; "": none
  std::string against;     // another folder, to compare with; "": none
  std::function<void(const std::string&)> print;
};

/// Reads and checks all files and prints the results. Returns 1 when a file is damaged or the two
/// models differ, otherwise 0. Throws Error when there is no model, or no such row.
int Inspect(const InspectCommand& command);

}  // namespace zhiyin::launch::apps
