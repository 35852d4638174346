// What a disk may hold after a power cut.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/file.h"
#include "common/random.h"

namespace zhiyin::testing {

/// Follows all that is done to the files below a folder, through WatchFiles, from its making to its
/// end. At any step it can say what would be there after a power cut: of a file that was not synced
/// since it was written, nothing, a part, zeros or all; of a folder that was not synced, the
/// changes up to any of them, in their order.
class PowerCut {
 public:
  /// `folder` is empty. `at_step` is called before each step, when all earlier ones are done.
  PowerCut(std::string folder, std::function<void(const FileStep&)> at_step);
  ~PowerCut();
  PowerCut(const PowerCut&) = delete;
  PowerCut& operator=(const PowerCut&) = delete;

  /// Writes what the seed draws of all that may be there into another folder, which is made.
  void WriteWhatIsLeft(uint64_t seed, const std::string& to) const;

 private:
  /// A file, or a folder.
  struct Node {
    bool is_folder = false;
    std::string path;  // of a file: where it was made
    bool is_synced = false;
    std::string synced;  // its content at the last sync
    std::map<std::string, std::shared_ptr<Node>> now;
    std::map<std::string, std::shared_ptr<Node>> durable;
    std::vector<std::map<std::string, std::shared_ptr<Node>>>
        changes;  // `now` after each, since the last sync
  };

  void Take(const FileStep& step);
  void Apply(const FileStep& step);
  /// nullptr: nothing there.
  Node* Find(const std::string& path);
  Node* FolderOf(const std::string& path);

  std::string folder_;
  std::function<void(const FileStep&)> at_step_;
  Node root_;
  std::optional<FileStep> under_way_;
};

}  // namespace zhiyin::testing
