// zhiyin inspect: checks a saved model or checkpoint and prints its contents.
#pragma once

#include <functional>
#include <string>

namespace zhiyin::launch::apps {

/// The flags of the command. A folder is that of a model or checkpoint, or an output folder: of the
/// latter, `row` and `against` use the newest checkpoint, or the model if there is no checkpoint.
struct InspectCommand {
  std::string checkpoint;  // the folder; all models and checkpoints of an output folder are checked
  std::string row;         // the embedding row to print: "FIELD=VALUE", or "TABLE:KEY" with the key
                           // in hexadecimal; "": none
  std::string against;     // the folder to compare with; "": none
  std::function<void(const std::string&)> print;
};

/// Reads and checks all files and prints the results. Returns 1 when a file of `checkpoint` is
/// damaged or the two models differ, otherwise 0. Throws Error when there is no model, when the row
/// does not exist, or when the model to compare with is damaged.
int Inspect(const InspectCommand& command);

}  // namespace zhiyin::launch::apps
