{
  description = "Tools for the examples: the same ones on every machine";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      eachSystem = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      devShells = eachSystem (pkgs: {
        # What language-server, code-generation and run-a-tool run.
        default = pkgs.mkShell {
          packages = [ pkgs.nodejs_24 pkgs.buf pkgs.nodePackages.prettier ];
          shellHook = ''
            export EXAMPLE_SHELL=examples
          '';
        };
        # Only Node, for what needs no more: backendOptions.nix.attribute = 'node'.
        node = pkgs.mkShell { packages = [ pkgs.nodejs_24 ]; };
      });
    };
}
