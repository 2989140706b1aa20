#!/bin/busybox sh
# The guest's first process: has the binary that ships hand the card to vfio-pci, check it and give it back, and says what it found on
# the second serial line, one fact a line. The first serial line is the kernel's. `card_vendor` and `card_device` come by the kernel's command line.

/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
exec >/dev/ttyS1 2>/dev/ttyS0

end() {
    echo "end"
    poweroff -f
}

fail() {
    echo "error $*"
    end
}

# The driver that the card is bound to.
driver() {
    if [ -e "$card/driver" ]; then basename "$(readlink "$card/driver")"; else echo none; fi
}

echo "kernel $(uname -r) $(uname -v)"
echo "fpgaflow $(fpgaflow --version)"
for module in irqbypass vfio vfio_iommu_type1 vfio-pci-core vfio-pci; do
    insmod "/modules/$module.ko.xz" || fail "load module $module"
done

for card in /sys/bus/pci/devices/*; do
    [ "$(cat "$card/vendor") $(cat "$card/device")" = "$card_vendor $card_device" ] && break
done
[ "$(cat "$card/device")" = "$card_device" ] || fail "no card $card_vendor:$card_device on the bus: $(lspci | tr '\n' ';')"
address=${card##*/}
echo "address $address"
[ -e "$card/iommu_group" ] || fail "$address is in no IOMMU group"
echo "iommu_group $(ls "$card/iommu_group/devices" | tr '\n' ' ')"
echo "iommu_type $(cat "$card/iommu_group/type")"
# The checks reset the card: by function, or not at all.
echo flr >"$card/reset_method"
echo "reset_method $(cat "$card/reset_method")"

fpgaflow bind "$address" >&2 || fail "bind $address to vfio-pci"
echo "driver $(driver)"
echo "cards $(fpgaflow cards --json)"
fpgaflow check --card "pci:$address" --cable --json >/report
echo "status $?"
echo "report $(cat /report)"
fpgaflow unbind "$address" >&2 || fail "take $address back from vfio-pci"
echo "driver_after $(driver)"
end
