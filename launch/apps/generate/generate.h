// zhiyin generate: writes the synthetic data sets `shop` and `search`.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct GenerateCommand {
  std::string world;  // shop or search
  /// Fields of the message in world.proto, as FIELD=VALUE.
  std::vector<std::string> settings;
  std::string output;  // a folder, which is made if it does not exist
  bool overwrite = false;
  std::function<void(const std::string&)> print;
};

/// Writes the files of the data set and prints a description of them. An existing file is replaced
/// only when the new one is complete. Throws Error on an impossible setting, and when a file cannot
/// be written.
void GenerateWorld(const GenerateCommand& command);

}  // namespace zhiyin::launch::apps
