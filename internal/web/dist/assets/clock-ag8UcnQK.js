import{j as e}from"./index-215K3YLo.js";const n=e(Date.now());setInterval(()=>{document.hidden||(n.value=Date.now())},1e3);export{n};
