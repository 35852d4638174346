#include "tests/support/power_cut.h"

#include <filesystem>
#include <fstream>

#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

namespace fs = std::filesystem;

std::string NameOf(const std::string& path) {
  return fs::path(path).filename().string();
}

std::string ContentAfterCut(const std::string& written, Random* random) {
  switch (random->Below(4)) {
    case 0:
      return "";
    case 1:
      return written.substr(0, random->Below(written.size() + 1));
    case 2:
      return std::string(written.size(), '\0');
    default:
      return written;
  }
}

}  // namespace

PowerCut::PowerCut(std::string folder, std::function<void(const FileStep&)> at_step)
    : folder_(std::move(folder)), at_step_(std::move(at_step)) {
  root_.is_folder = true;
  WatchFiles([this](const FileStep& step) { Take(step); });
}

PowerCut::~PowerCut() {
  WatchFiles({});
}

void PowerCut::Take(const FileStep& step) {
  if (under_way_) Apply(*under_way_);
  under_way_ = step;
  at_step_(step);
}

PowerCut::Node* PowerCut::Find(const std::string& path) {
  const std::string relative = fs::path(path).lexically_relative(folder_).string();
  if (relative.starts_with("..")) return nullptr;
  Node* node = &root_;
  for (const fs::path& name : fs::path(relative)) {
    if (name == ".") continue;
    const auto found = node->now.find(name.string());
    if (found == node->now.end()) return nullptr;
    node = found->second.get();
  }
  return node;
}

PowerCut::Node* PowerCut::FolderOf(const std::string& path) {
  return Find(fs::path(path).parent_path().string());
}

void PowerCut::Apply(const FileStep& step) {
  Node* folder = step.kind == FileStep::kSyncFolder ? Find(step.path) : FolderOf(step.path);
  if (folder == nullptr) return;  // elsewhere
  const std::string name = NameOf(step.path);
  switch (step.kind) {
    case FileStep::kCreate:
      folder->now[name] = std::make_shared<Node>();
      folder->now[name]->path = step.path;
      break;
    case FileStep::kWrite:
      folder->now.at(name)->is_synced = false;
      return;
    case FileStep::kSync:
      folder->now.at(name)->is_synced = true;
      folder->now.at(name)->synced = ReadFile(step.path);
      return;
    case FileStep::kMakeFolder:
      if (folder->now.contains(name)) return;
      folder->now[name] = std::make_shared<Node>();
      folder->now[name]->is_folder = true;
      break;
    case FileStep::kRename:
      folder->now[NameOf(step.to)] = folder->now.at(name);
      folder->now.erase(name);
      break;
    case FileStep::kRemove:
      folder->now.erase(name);
      break;
    case FileStep::kSyncFolder:
      folder->durable = folder->now;
      folder->changes.clear();
      return;
  }
  folder->changes.push_back(folder->now);
}

void PowerCut::WriteWhatIsLeft(uint64_t seed, const std::string& to) const {
  Random random(seed);
  const std::function<void(const Node&, const std::string&)> write = [&](const Node& node,
                                                                         const std::string& path) {
    if (!node.is_folder) {
      std::ofstream(path, std::ios::binary)
          << (node.is_synced          ? node.synced
              : fs::exists(node.path) ? ContentAfterCut(ReadFile(node.path), &random)
                                      : "");
      return;
    }
    fs::create_directories(path);
    const uint64_t n_done = random.Below(node.changes.size() + 1);
    for (const auto& [name, child] : n_done == 0 ? node.durable : node.changes[n_done - 1])
      write(*child, path + "/" + name);
  };
  write(root_, to);
}

}  // namespace zhiyin::testing
