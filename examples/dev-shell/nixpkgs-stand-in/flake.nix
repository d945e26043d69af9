# As much of nixpkgs as ../flake.nix uses, for tests that have no network: packages whose programs say their names.
{
  outputs =
    { self }:
    let
      genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
      packagesOf = system:
        let
          build = name: script: attributes: derivation ({
            inherit name system;
            builder = "/bin/bash";
            outputs = [ "out" ];
            PATH = "/bin:/usr/bin";
            args = [ "-c" script ];
          } // attributes);
          program = name: build name ''
            mkdir -p $out/bin
            printf '#!/bin/sh\necho ${name} of the shell\n' > $out/bin/${name}
            chmod +x $out/bin/${name}
            : # Nix kills a builder that has closed its output, which chmod does before it exits
          '' { };
        in
        {
          nodejs_24 = program "node";
          buf = program "buf";
          nodePackages.prettier = program "prettier";
          mkShell = { packages, shellHook ? "" }: build "nix-shell" "echo > $out" {
            inherit shellHook;
            PATH = builtins.concatStringsSep ":" (map (one: "${one}/bin") packages);
          };
        };
    in
    {
      lib = { inherit genAttrs; };
      legacyPackages = genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] packagesOf;
    };
}
